import { Halos } from "./halo.js";
import { Lamplight } from "./lamplight.js";
import type { Light } from "./light.js";
import { hash, Random } from "./prng.js";
import type { Raster } from "./raster.js";
import { Sky } from "./sky.js";
import type { Street } from "./street.js";

// The tables are small so that they stay in the first cache.
const steps = 6144, brightest = 1.2;
const grains = 1 << 12;
const fogSteps = 2048, fogPerMetre = 8;

/** Turns what the rasteriser left into a picture: light, fog, halos, exposure, sensor noise. */
export class Developer {
  readonly #linear = new Float32Array(256);
  readonly #tone = new Uint8Array(steps);
  readonly #noise = new Float32Array(grains);
  readonly #clear = new Float32Array(fogSteps);
  readonly #beamColumn: Float32Array;
  readonly #own = new Float32Array(256);
  readonly #window = new Float32Array(256);
  readonly #sky: Sky;
  readonly #halos: Halos;
  readonly #lamplight: Lamplight;

  constructor(
    private readonly raster: Raster,
    private readonly street: Street,
  ) {
    const { surface } = raster;
    for (let i = 0; i < 256; i++) this.#linear[i] = Math.pow(i / 255, 2.2);
    for (let i = 0; i < steps; i++) {
      const v = (i / (steps - 1)) * brightest;
      // Straight up to 0.7, then a shoulder, as cameras have.
      this.#tone[i] = Math.round(255 * Math.pow(v < 0.7 ? v : 0.7 + 0.3 * (1 - ((brightest - v) / (brightest - 0.7)) ** 2), 1 / 2.2));
    }
    const random = new Random(street.seed, 0x9015e);
    for (let i = 0; i < grains; i++) this.#noise[i] = (random.next() + random.next() + random.next() + random.next() - 2) * 1.73;
    this.#beamColumn = new Float32Array(surface.width);
    this.#sky = new Sky(street.seed, surface.width);
    this.#halos = new Halos(surface);
    this.#lamplight = new Lamplight(street);
  }

  /** Fills `rgb`, `height * width * 3` bytes. */
  develop(light: Light, frame: number, rgb: Uint8Array): void {
    const { surface, view } = this.raster;
    const { width, height, nearness, albedo, state } = surface;
    // Rounds and limits as it stores.
    const out = new Uint8ClampedArray(rgb.buffer, rgb.byteOffset, rgb.length);
    this.#prepare(light);
    const anyHalo = this.#halos.gather(this.raster.glows, light.lamps, light.fog) > 0;
    const linear = this.#linear, tone = this.#tone, noise = this.#noise, clear = this.#clear, own = this.#own, window = this.#window;
    const halo = this.#halos.row, skyRow = this.#sky.row, lamplight = this.#lamplight;
    const [sunR, sunG, sunB] = scaled(light.sun, 1 / 255), [skyR, skyG, skyB] = scaled(light.sky, 1 / 255), [airR, airG, airB] = light.airlight;
    const [castR, castG, castB] = scaled(light.cast, light.exposure);
    const { saturation, veil } = light;
    const dark = light.lamps > 0.02;
    const beamColumn = this.#beamColumn, lampPower = light.lampPower * light.lamps, grainPower = light.noise;
    const inverseFocal = 1 / view.focal;
    const cameraUp = view.y - this.street.height(view.z);
    const fine = (steps - 1) / brightest;
    for (let y = 0, p = 0; y < height; y++) {
      let skyKnown = false;
      if (anyHalo) this.#halos.fillRow(y);
      const down = (y + 0.5 - view.horizonY) * inverseFocal;
      const beamRow = light.beam * (down > 0.012 ? Math.exp(-((down - 0.06) ** 2) * 18) : 0.07 + 0.6 * Math.exp(-((down - 0.012) ** 2) * 4000));
      let grain = hash(this.street.seed, frame, y) & (grains - 1);
      const grainStep = 1 + (hash(frame, y) & 3) * 2;
      for (let x = 0; x < width; x++, p++) {
        const near = nearness[p];
        let r: number, g: number, b: number;
        if (near === 0) {
          if (!skyKnown) {
            skyKnown = true;
            this.#sky.fillRow(y + 0.5, view, light, frame * 0.01);
          }
          r = skyRow[x * 3]!;
          g = skyRow[x * 3 + 1]!;
          b = skyRow[x * 3 + 2]!;
        } else {
          const z = 1 / near;
          const lit = state[p], s = (lit >>> 8) & 255, a = (lit >>> 16) & 255;
          let lr = s * sunR + a * skyR, lg = s * sunG + a * skyG, lb = s * sunB + a * skyB;
          if (dark) {
            const beam = (beamRow * beamColumn[x]) / (1 + z * z * 0.006);
            const lamp = lampPower * lamplight.at(z, (x + 0.5 - view.centreX) * inverseFocal * z, cameraUp - down * z);
            const shade = 0.35 + a * 0.00255;
            lr += (beam + lamp) * shade;
            lg += (beam * 0.93 + lamp * 0.68) * shade;
            lb += (beam * 0.8 + lamp * 0.36) * shade;
          }
          const colour = albedo[p], shine = lit >>> 24;
          const ownLight = own[shine], windowLight = window[shine];
          r = linear[colour & 255] * (lr + ownLight) + windowLight;
          g = linear[(colour >>> 8) & 255] * (lg + ownLight) + windowLight * 0.72;
          b = linear[(colour >>> 16) & 255] * (lb + ownLight) + windowLight * 0.38;
          const step = (z * fogPerMetre) | 0;
          const through = clear[step < fogSteps ? step : fogSteps - 1];
          r = airR + (r - airR) * through;
          g = airG + (g - airG) * through;
          b = airB + (b - airB) * through;
        }
        if (anyHalo) {
          r += halo[x * 3];
          g += halo[x * 3 + 1];
          b += halo[x * 3 + 2];
        }
        const grey = (0.3 * r + 0.59 * g + 0.11 * b) * (1 - saturation);
        grain = (grain + grainStep) & (grains - 1);
        const speck = noise[grain] * grainPower;
        const colourSpeck = noise[grain ^ 0x555] * grainPower * 0.5;
        const ir = ((r * saturation + grey) * castR + veil) * fine, ig = ((g * saturation + grey) * castG + veil) * fine, ib = ((b * saturation + grey) * castB + veil) * fine;
        const q = p * 3;
        out[q] = tone[ir < steps - 1 ? ir | 0 : steps - 1] + speck + colourSpeck;
        out[q + 1] = tone[ig < steps - 1 ? ig | 0 : steps - 1] + speck;
        out[q + 2] = tone[ib < steps - 1 ? ib | 0 : steps - 1] + speck - colourSpeck;
      }
    }
  }

  /** Tables of the frame. */
  #prepare(light: Light): void {
    const { view } = this.raster;
    this.#lamplight.prepare(view);
    for (let i = 0; i < fogSteps; i++) this.#clear[i] = Math.exp((-light.fog * (i + 0.5)) / fogPerMetre);
    this.#beamColumn.forEach((_, x) => {
      const aside = (x + 0.5 - view.centreX) / view.focal;
      this.#beamColumn[x] = 0.12 + Math.exp(-(aside ** 2) * 5);
    });
    for (let i = 0; i < 256; i++) {
      // Windows glow with 90 to 217; lamps (254) only in the dark; what shines by day too has other values.
      const window = i >= 90 && i <= 217;
      this.#window[i] = window ? ((i - 60) / 255) * 0.55 * light.lamps ** 2 : 0;
      this.#own[i] = window ? 0 : i === 254 ? light.lamps * 4 : (i / 255) * (0.7 + 1.5 * light.lamps);
    }
  }
}

const scaled = ([r, g, b]: readonly [number, number, number], by: number): readonly [number, number, number] => [r * by, g * by, b * by];
