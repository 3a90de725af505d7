// The peer without a proxy, in the guest: measures each workload that a line
// "WORKLOAD MILLISECONDS" asks for, as programs/client.c does.

import { cpuUsage } from "node:process";
import { findNode } from "../../../src/virtgpu/find/find_device.ts";
import { quantile } from "../statistics.ts";
import { DirectClient } from "./direct_client.ts";
import { findDeviceWorkload } from "./workloads.ts";

/** Microseconds on a processor, of all threads. */
function processorTime(): number {
  const { user, system } = cpuUsage();
  return user + system;
}

function measure(path: string, name: string, milliseconds: number): string {
  using client = new DirectClient(path, findDeviceWorkload(name));
  const warm = performance.now() + milliseconds / 4;
  while (performance.now() < warm) client.step();
  const samples: number[] = [];
  const before = processorTime();
  const start = performance.now();
  let now = start;
  while (now - start < milliseconds) {
    client.step();
    const after = performance.now();
    samples.push(1000 * (after - now));
    now = after;
  }
  return [
    `operations ${samples.length}`,
    `seconds ${(now - start) / 1000}`,
    `processorSeconds ${(processorTime() - before) / 1e6}`,
    `p50 ${quantile(samples, 0.5)}`,
    `p99 ${quantile(samples, 0.99)}`,
    "",
  ].join("\n");
}

function* lines(): Generator<string, void> {
  const chunk = new Uint8Array(4096);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const end = text.indexOf("\n");
    if (end >= 0) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
      continue;
    }
    const length = Deno.stdin.readSync(chunk);
    if (length === null) return;
    text += decoder.decode(chunk.subarray(0, length), { stream: true });
  }
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

if (import.meta.main) {
  const { path } = findNode();
  say("end 0\n");
  for (const line of lines()) {
    const [name = "", milliseconds = ""] = line.split(" ");
    say(`${measure(path, name, Number(milliseconds))}end 0\n`);
  }
}
