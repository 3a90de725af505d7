/**
 * What follows for globals from what a cross-domain channel carries, whatever
 * the user allows.
 */
import assert from "node:assert/strict";
import type { InterfaceName } from "../../../../protocols/generated/messages.ts";
import { getInterface } from "../../../../protocols/tables.ts";
import type { Carrier } from "../../../../src/host/endpoint.ts";
import { virtgpuCarrier } from "../../../../src/host/virtgpu/carrier.ts";
import { carriedVersion } from "../../../../src/policy/carried_version.ts";

const withGpu = virtgpuCarrier("with a GPU");
const withoutGpu = virtgpuCarrier("without a GPU");

function newestCarried(name: InterfaceName, carrier: Carrier): number {
  const global = getInterface(name);
  return carriedVersion(global, global.version, carrier);
}

Deno.test("a GPU's buffers reach the host, so that its protocol is offered", () => {
  assert.equal(newestCarried("zwp_linux_dmabuf_v1", withGpu), 6);
  assert.equal(newestCarried("zwp_linux_dmabuf_v1", withoutGpu), 0);
});

for (
  const name of [
    "zwlr_export_dmabuf_manager_v1",
    "org_kde_kwin_remote_access_manager",
  ] as const
) {
  Deno.test(`the host's GPU buffers cannot come to a guest with a GPU: ${name} is not offered`, () => {
    assert.equal(newestCarried(name, withGpu), 0);
    assert.equal(newestCarried(name, withoutGpu), 0);
  });
}

Deno.test("wl_drm, which names a device of the host's by its path, is not offered", () => {
  assert.equal(newestCarried("wl_drm", withGpu), 0);
  assert.equal(newestCarried("wl_drm", withoutGpu), 0);
});

Deno.test("fences and devices are not carried, so that what needs them is not offered", () => {
  for (
    const name of [
      "wp_linux_drm_syncobj_manager_v1",
      "zwp_linux_explicit_synchronization_v1",
      "wp_drm_lease_device_v1",
      "wp_security_context_manager_v1",
    ] as const
  ) assert.equal(newestCarried(name, withGpu), 0, name);
});

Deno.test("what is copied or bridged is offered", () => {
  for (
    const name of [
      "wl_seat",
      "wl_data_device_manager",
      "wp_color_manager_v1",
      "zwlr_gamma_control_manager_v1",
    ] as const
  ) assert.equal(newestCarried(name, withoutGpu), getInterface(name).version);
});
