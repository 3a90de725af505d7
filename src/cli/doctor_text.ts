/**
 * The report on a machine: one line for each check, and a last one that says
 * whether an application would run.
 */
import type { Report } from "../programs/doctor/mod.ts";
import type { Finding } from "../virtgpu/find/mod.ts";
import type { Style } from "./help.ts";

const markColumn = 9;

/** The report as text. */
export function reportText(report: Report, style: Style): string {
  return report.sections.filter(({ findings }) => findings.length > 0).map((
    { title, findings },
  ) =>
    `${style.heading(title)}\n${
      findings.map((finding) => `${line(finding, style)}\n`).join("")
    }\n`
  ).join("") + verdictText(report, style);
}

function line({ state, subject, text }: Finding, style: Style): string {
  const rest = `${subject}: ${text}`;
  switch (state) {
    case "present":
      return `  ${"ok".padEnd(markColumn)}${rest}`;
    case "missing":
      return `  ${style.strong("MISSING".padEnd(markColumn))}${rest}`;
    case "noted":
      return `  ${"note".padEnd(markColumn)}${rest}`;
  }
}

function verdictText({ verdict, isChoice }: Report, style: Style): string {
  switch (verdict) {
    case "over virtio-gpu":
      return `Applications run on the host of this virtual machine: ${
        style.strong("wayferry proxy --virtio-gpu -- COMMAND")
      }\n`;
    case "on this machine's compositor":
      return `Applications run on this machine's compositor: ${
        style.strong("wayferry proxy -- COMMAND")
      }\n`;
    case "not at all":
      return `No application would run: see what is MISSING.${
        isChoice
          ? " Either virtio-gpu or this machine's compositor is enough."
          : ""
      }\n`;
  }
}
