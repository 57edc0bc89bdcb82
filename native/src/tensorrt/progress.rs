//! How far a build is. TensorRT tells of phases within phases, each with a number of steps; what is asked for is a share and a time.

use std::time::Duration;

struct Phase {
    name: String,
    done: i32,
    steps: i32,
}

/// The phases that are under way, the outermost first.
#[derive(Default)]
pub struct Progress {
    phases: Vec<Phase>,
    share: f64,
}

impl Progress {
    pub fn starts(&mut self, name: &str, parent: Option<&str>, steps: i32) {
        // Siblings may run beside each other; the share then follows the one that started last.
        let depth = parent.and_then(|parent| self.phases.iter().position(|phase| phase.name == parent)).map_or(0, |at| at + 1);
        self.phases.truncate(depth);
        self.phases.push(Phase { name: name.to_owned(), done: 0, steps: steps.max(1) });
    }

    pub fn done(&mut self, name: &str, step: i32) {
        if let Some(phase) = self.phases.iter_mut().find(|phase| phase.name == name) {
            phase.done = (step + 1).min(phase.steps);
        }
        self.raise();
    }

    pub fn ends(&mut self, name: &str) {
        if let Some(at) = self.phases.iter().position(|phase| phase.name == name) {
            self.phases.truncate(at);
        }
        self.raise();
    }

    /// Name of the innermost phase.
    pub fn phase(&self) -> &str {
        self.phases.last().map_or("", |phase| &phase.name)
    }

    /// Done of the whole, 0 to 1. It never falls.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Time left at the pace so far; none before there is a pace to speak of.
    pub fn left(&self, elapsed: Duration) -> Option<Duration> {
        (self.share >= 0.02).then(|| elapsed.mul_f64((1.0 - self.share) / self.share))
    }

    fn raise(&mut self) {
        let mut share = 0.0;
        let mut width = 1.0;
        for phase in &self.phases {
            share += width * f64::from(phase.done) / f64::from(phase.steps);
            width /= f64::from(phase.steps);
        }
        self.share = self.share.max(share.min(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_within_phases_add_up_and_never_fall() {
        let mut progress = Progress::default();
        assert_eq!(progress.left(Duration::from_secs(5)), None);
        progress.starts("Building Engine", None, 4);
        progress.done("Building Engine", 0);
        assert!((progress.share() - 0.25).abs() < 1e-9);
        progress.starts("Computing profile", Some("Building Engine"), 10);
        progress.done("Computing profile", 4);
        assert_eq!(progress.phase(), "Computing profile");
        assert!((progress.share() - 0.375).abs() < 1e-9);
        assert_eq!(progress.left(Duration::from_secs(30)), Some(Duration::from_secs(50)));
        progress.ends("Computing profile");
        assert!((progress.share() - 0.375).abs() < 1e-9);
        progress.done("Building Engine", 1);
        assert!((progress.share() - 0.5).abs() < 1e-9);
        progress.done("Building Engine", 0);
        assert!((progress.share() - 0.5).abs() < 1e-9, "a step that is told late changes nothing");
        progress.done("never started", 3);
        progress.done("Building Engine", 9);
        assert!((progress.share() - 1.0).abs() < 1e-9);
        assert_eq!(progress.left(Duration::from_secs(30)), Some(Duration::ZERO));
    }
}
