/**
 * Browsers, viewers, players and compositors, each with the settings under
 * which it looks the same every time.
 */
import { isDebian12, SOFTWARE_GL } from "../support/packages.ts";
import type { Program } from "./program.ts";

const EQUAL = { pixels: "equal" } as const;

const PAGE =
  `<!doctype html><title>Page</title><body style="background:white;font:16px 'DejaVu Sans'">
<h1>A page</h1><textarea autofocus rows="4" cols="40" style="caret-color:transparent"></textarea>
<p style="color:#c00">red</p>
`;

/**
 * A page with two rectangles. Its readers make up for the missing table of
 * offsets.
 */
const DOCUMENT = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<<>>>>endobj
4 0 obj<</Length 60>>stream
0.8 0.1 0.1 rg 40 40 120 80 re f 0 0 0.7 rg 180 90 60 60 re f
endstream endobj
trailer<</Root 1 0 R>>
`;

/** Nothing is fetched, no first-run page shown, no caret blinks. */
const FIREFOX_PREFERENCES =
  `user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("browser.startup.homepage_override.mstone", "ignore");
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("termsofuse.bypassNotification", true);
user_pref("trailhead.firstrun.didSeeAboutWelcome", true);
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.safebrowsing.malware.enabled", false);
user_pref("browser.safebrowsing.phishing.enabled", false);
user_pref("extensions.getAddons.cache.enabled", false);
user_pref("services.settings.server", "");
user_pref("ui.prefersReducedMotion", 1);
user_pref("ui.caretBlinkTime", 0);
`;

const CHROMIUM_FLAGS = [
  "--no-sandbox", // it refuses to run as root with one
  "--ozone-platform=wayland",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--user-data-dir=profile",
];

export const LARGE_PROGRAMS: readonly Program[] = [
  {
    name: "Alacritty with software GL",
    needs: [{ program: "alacritty", package: "alacritty" }, SOFTWARE_GL],
    argv: [
      ..."alacritty --config-file /dev/null -e env".split(" "),
      "PS1=$ ",
      "sh",
    ],
    judgement: EQUAL,
    typed: "echo $((6*7)) lines\n",
  },
  {
    name: "mpv",
    needs: [{ program: "mpv", package: "mpv" }],
    argv: [
      ..."mpv --no-config --vo=wlshm --pause --osd-level=0 --no-osc --no-terminal"
        .split(" "),
      "av://lavfi:testsrc2=size=320x240",
    ],
    judgement: EQUAL,
  },
  {
    name: "Evince",
    needs: [{ program: "evince", package: "evince" }],
    argv: ["evince", "document.pdf"],
    files: { "document.pdf": DOCUMENT },
    judgement: EQUAL,
    // The button of its menu stands elsewhere in newer versions.
    ...(isDebian12()
      ? { menu: { sway: { x: 530, y: 24 }, weston: { x: 555, y: 50 } } }
      : {}),
  },
  {
    name: "Firefox",
    needs: [{ program: "firefox-esr", package: "firefox-esr" }],
    argv: "firefox-esr --no-remote --new-instance --profile profile page.html"
      .split(" "),
    files: { "profile/user.js": FIREFOX_PREFERENCES, "page.html": PAGE },
    judgement: {
      pixels: "equal",
      butFor: {
        pixels: 64,
        reason: "the lower corners of its window differ from run to run",
      },
    },
    typed: "the quick brown fox",
    menu: { sway: { x: 940, y: 62 }, weston: { x: 1000, y: 66 } },
    settledMs: 1500,
  },
  {
    name: "Chromium",
    needs: [{ program: "chromium", package: "chromium" }],
    // Not by Debian's script, which gives it keys for a service: a menu's entry
    // is for that, now or a little later.
    argv: ["/usr/lib/chromium/chromium", ...CHROMIUM_FLAGS, "page.html"],
    files: { "page.html": PAGE },
    judgement: EQUAL,
    typed: "the quick brown fox",
    menu: { sway: { x: 948, y: 62 }, weston: { x: 948, y: 62 } },
    settledMs: 1000,
  },
];
