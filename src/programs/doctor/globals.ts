/**
 * What a compositor's globals mean for applications: which they get, which are
 * kept from them and why, and which would be needed.
 */
import { findInterface } from "../../../protocols/tables.ts";
import type { Carrier, Endpoint } from "../../host/endpoint.ts";
import type { AnnouncedGlobal } from "../../host/registry_probe.ts";
import { carriedVersion } from "../../policy/carried_version.ts";
import type { Policy } from "../../policy/policy.ts";
import {
  type Finding,
  missing,
  noted,
  present,
} from "../../virtgpu/find/mod.ts";

/** Without these no window can be shown. */
const essential = ["wl_compositor", "wl_shm", "xdg_wm_base"] as const;

/** Without these windows are shown, but something is lacking. */
const useful: readonly (readonly [string, string])[] = [
  ["wl_seat", "applications get no keyboard and no pointer"],
  ["wl_output", "applications see no screen"],
  [
    "wl_data_device_manager",
    "applications get no clipboard and no drag and drop",
  ],
];

/** Looks at what was announced. */
export function globalFindings(
  announced: readonly AnnouncedGlobal[],
  policy: Policy,
  carrier: Carrier,
): Finding[] {
  const offered = new Map<string, number>();
  const withheld = new Set<string>();
  const uncarried = new Set<string>();
  const unknown = new Set<string>();
  for (const { interface: name, version } of announced) {
    const known = findInterface(name);
    if (known === null) {
      unknown.add(name);
      continue;
    }
    const allowed = Math.min(version, known.version, policy.cap(name));
    if (allowed === 0) withheld.add(name);
    else {
      const carried = carriedVersion(known, allowed, carrier);
      if (carried === 0) uncarried.add(name);
      else offered.set(name, Math.max(carried, offered.get(name) ?? 0));
    }
  }
  const findings = essential.map((name) => {
    const version = offered.get(name);
    return version === undefined
      ? missing(
        name,
        "the compositor does not have it, so it cannot show windows; use another compositor",
      )
      : present(name, `version ${version}`);
  });
  for (const [name, lack] of useful) {
    const version = offered.get(name);
    findings.push(
      version === undefined
        ? noted(name, `the compositor does not have it: ${lack}`)
        : present(name, `version ${version}`),
    );
    offered.delete(name);
  }
  for (const name of essential) offered.delete(name);
  const lists: readonly (readonly [string, Iterable<string>])[] = [
    [
      "also offered",
      [...offered].map(([name, version]) => `${name} ${version}`),
    ],
    ["kept from applications, unless --allow names it", withheld],
    ["cannot cross the boundary", uncarried],
    ["unknown to this version, and kept from applications", unknown],
  ];
  for (const [what, names] of lists) {
    const sorted = [...names].sort();
    if (sorted.length > 0) findings.push(noted(what, sorted.join(", ")));
  }
  return findings;
}

/**
 * What a compositor must have to show memory that its host makes with the
 * allocator of a GPU.
 */
const dmabuf = { name: "zwp_linux_dmabuf_v1", version: 3 } as const;

/**
 * Whether the compositor can show host memory that is useless as shared memory.
 */
export function imageFindings(
  announced: readonly AnnouncedGlobal[],
  { images = null }: Pick<Endpoint, "images">,
): Finding[] {
  if (images === null) return [];
  const { name, version } = dmabuf;
  const found = announced.find((global) => global.interface === name);
  const subject = "images";
  if (found !== undefined && found.version >= version) {
    return [
      present(
        subject,
        `the compositor shows them through ${name} ${found.version}`,
      ),
    ];
  }
  return [
    noted(
      subject,
      `the host only offers dma-buf memory, but its compositor has no ${name} version ${version}; the proxy offers the memory as wl_shm, which many compositors reject: use another compositor, or a VMM built without minigbm`,
    ),
  ];
}
