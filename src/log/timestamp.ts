/**
 * The beginning of every log line:
 * `2026-03-07 21:05:09.042   wl-proxy WARNING: `.
 */

import type { LogLevel, SourceName } from "./level.ts";

/**
 * Sources are aligned on the right, so that the longest common ones stand two
 * blanks after the time.
 */
const SOURCE_COLUMNS = 10;

/** The second that `secondText` shows: many lines share one. */
let second = NaN;
let secondText = "";

/** Local time, `YYYY-MM-DD HH:MM:SS.mmm`, of milliseconds since 1970. */
export function formatTime(milliseconds: number): string {
  const wanted = Math.floor(milliseconds / 1000);
  if (wanted !== second) {
    second = wanted;
    secondText = formatSecond(new Date(wanted * 1000));
  }
  const rest = milliseconds - wanted * 1000;
  return secondText + (rest < 10 ? "00" : rest < 100 ? "0" : "") + rest;
}

function formatSecond(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${
    two(date.getDate())
  }`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${
    two(date.getSeconds())
  }.`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}

const levelTexts: Readonly<Record<LogLevel, string>> = {
  error: " ERROR: ",
  warning: " WARNING: ",
  info: " INFO: ",
  debug: " DEBUG: ",
};

const sourceTexts: Readonly<Record<SourceName, string>> = {
  "wl-client": sourceText("wl-client"),
  "wl-server": sourceText("wl-server"),
  "wl-proxy": sourceText("wl-proxy"),
  "wayferry": sourceText("wayferry"),
  "xwayland": sourceText("xwayland"),
  "x11": sourceText("x11"),
};

function sourceText(source: SourceName): string {
  return " " + source.padStart(SOURCE_COLUMNS);
}

/**
 * Everything of a line before its text.
 *
 * @param milliseconds whole milliseconds since 1970.
 */
export function linePrefix(
  milliseconds: number,
  source: SourceName,
  level: LogLevel,
): string {
  return formatTime(milliseconds) + sourceTexts[source] + levelTexts[level];
}
