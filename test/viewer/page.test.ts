import { existsSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type Browser, chromium, type Page } from "playwright-core";
import { streamEvent } from "../../sdk/stream/events.js";
import { Viewer } from "../../sdk/viewer/viewer.js";
import { needs } from "../support/shared.js";
import { Pretended } from "./pretended.js";

const program = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
let browser: Browser | undefined;
test.after.always(() => browser?.close());

/** The page of a made-up stream in a window of this size, and everything that the browser complained about. */
async function visit(t: ExecutionContext, width: number, height: number): Promise<{ page: Page; stream: Pretended; viewer: Viewer; complaints: string[] } | undefined> {
  if (!needs(t, program !== undefined, "Chromium", "apt-get install chromium")) return undefined;
  t.timeout(120_000);
  browser ??= await chromium.launch({ executablePath: program ?? "", args: flags });
  const stream = new Pretended();
  const viewer = await Viewer.open(stream, { port: 0, onError: (error) => t.log(error) });
  const clock = setInterval(() => {
    const { frame, perception } = stream.next();
    viewer.show(frame, perception, "dusk");
  }, 50);
  const page = await browser.newPage({ viewport: { width, height } });
  t.teardown(async () => {
    clearInterval(clock);
    await page.close();
    await viewer.close();
  });
  const complaints: string[] = [];
  page.on("console", (message) => message.type() !== "log" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()}`));
  await page.goto(viewer.address);
  await shows(page, "#caption", "frame ");
  return { page, stream, viewer, complaints };
}

/** Waits until the element holds the text. (The page's own policy forbids Playwright's waiting for functions.) */
const shows = (page: Page, selector: string, what: string | RegExp): Promise<void> => page.locator(selector).filter({ hasText: what }).first().waitFor({ timeout: 30_000 });

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

test.serial("frames arrive with masks, boxes and figures, and the browser has nothing to complain about", async (t) => {
  const visited = await visit(t, 1280, 900);
  if (!visited) return;
  const { page, viewer, complaints } = visited;
  await shows(page, "#caption", /frame \d{2}/);
  t.regex(await text(page, "#caption"), /front · frame \d+ · generation 1/);
  t.deepEqual(await page.locator("#legend li").allInnerTexts(), ["sky", "road", "car"]);
  // Grey 40 under half a mask is no longer grey.
  const pixel = await page.evaluate<number[]>('[...document.querySelector("#picture").getContext("2d").getImageData(20, 20, 1, 1).data]');
  t.true(Math.max(...pixel.slice(0, 3)) - Math.min(...pixel.slice(0, 3)) > 20, pixel.join());
  t.is(await text(page, "#condition"), "dusk");
  t.is(await text(page, "#fps"), "20");
  viewer.event(streamEvent("trainer_progress", "learning", { step: 3, steps: 60, losses: { total: 1.25 } }));
  viewer.event(streamEvent("verdict", "Generation 2 is <b>accepted</b>.", { accepted: true, steps: 60, numbers: { targetScore: { before: 40, after: 44.5 } } }));
  await page.waitForSelector(".verdict.accepted");
  t.regex(await text(page, ".verdict"), /40\.0 → 44\.5/);
  t.regex(await text(page, ".verdict"), /<b>accepted<\/b>/);
  t.regex(await text(page, "#progress-text"), /Step 3 of 60/);
  t.deepEqual(complaints, []);
});

test.serial("words and buttons reach the stream, and refusals are shown", async (t) => {
  const visited = await visit(t, 1280, 900);
  if (!visited) return;
  const { page, stream, complaints } = visited;
  await page.fill("#vocabulary", "tram, bicycle,\n zebra crossing");
  await page.click("text=Use these words");
  await shows(page, "#legend", "zebra crossing");
  t.deepEqual(stream.names, ["tram", "bicycle", "zebra crossing"]);
  await page.click("#adapt");
  await page.click("#pause");
  await shows(page, "#pause", "Resume");
  t.true(stream.paused);
  await page.click("#roll-back");
  await page.waitForSelector(".notice.bad");
  t.regex(await text(page, "#notice"), /nothing to roll back to/);
  t.deepEqual(stream.asked, ["adaptNow"]);
  t.deepEqual(complaints, []);
});

test.serial("it fits a phone", async (t) => {
  const visited = await visit(t, 390, 844);
  if (!visited) return;
  const { page, complaints } = visited;
  t.is(await page.evaluate("document.documentElement.scrollWidth"), 390);
  const widths = await page.evaluate<number[]>('[...document.querySelectorAll("main > section")].map((section) => section.getBoundingClientRect().right)');
  t.true(Math.max(...widths) <= 390, widths.join());
  t.deepEqual(complaints, []);
});
