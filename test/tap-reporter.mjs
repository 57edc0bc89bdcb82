/**
 * Loaded into ava before it runs. Its TAP reporter (6.4.1) takes errors of its own, of tests that hang or end their process, for such as came from a test, and breaks: nobody learns
 * which test it was, nor what the others came to. Here it is given them in that form.
 */
import TapReporter from "../node_modules/ava/lib/reporters/tap.js";

const { writeTest } = TapReporter.prototype;

TapReporter.prototype.writeTest = function (event, flags) {
  const { err } = event;
  return writeTest.call(this, err instanceof Error ? { ...event, err: { name: err.name, stack: err.stack, originalError: err } } : event, flags);
};
