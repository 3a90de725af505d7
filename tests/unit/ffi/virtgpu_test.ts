/**
 * Structs and request numbers of the virtio_gpu driver, byte by byte, with a
 * different value in every field, as a C program with the headers of Linux 6.12
 * has them (x86-64).
 */

import assert from "node:assert/strict";
import { encodeDeviceNumber } from "../../../ffi/device_node.ts";
import { DRM_REQUESTS, encodePrime, encodeVersion } from "../../../ffi/drm.ts";
import { StructWords } from "../../../ffi/struct_words.ts";
import { encodeUdmabufCreate, UDMABUF_CREATE } from "../../../ffi/udmabuf.ts";
import {
  countFenceEvents,
  encodeContextInit,
  encodeContextParameters,
  encodeCreateBlob,
  encodeExecbuffer,
  encodeGetCaps,
  encodeGetParam,
  VIRTGPU_REQUESTS,
} from "../../../ffi/virtgpu.ts";

function hexOf(words: Uint32Array): string {
  return Array.from(
    new Uint8Array(words.buffer),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
}

for (
  const { name, size, encode, hex } of [
    {
      name: "drm_version",
      size: 64,
      encode: (words: Uint32Array) => encodeVersion(words, 0x7f01_0203_0405),
      hex: "000000000000000000000000000000004000000000000000" +
        "05040302017f0000" + "00".repeat(32),
    },
    {
      name: "drm_prime_handle",
      size: 12,
      encode: (words: Uint32Array) =>
        encodePrime(words, 0x1112_1314, 0x80002, -1),
      hex: "1413121102000800ffffffff",
    },
    {
      name: "udmabuf_create",
      size: 24,
      encode: (words: Uint32Array) =>
        encodeUdmabufCreate(words, 0x1112_1314, 0x1_2122_2324),
      hex: "141312110100000000000000000000002423222101000000",
    },
    {
      name: "drm_virtgpu_execbuffer with a ring and an object",
      size: 40,
      encode: (words: Uint32Array) =>
        encodeExecbuffer(
          words,
          0x7f41_4243_4445,
          0x3132_3334,
          3,
          0x7f51_5253_5455,
          1,
        ),
      hex: "040000003433323145444342417f000055545352517f0000" +
        "01000000000000000300000000000000",
    },
    {
      name: "drm_virtgpu_execbuffer without a ring",
      size: 40,
      encode: (words: Uint32Array) =>
        encodeExecbuffer(
          words,
          0x7f41_4243_4445,
          0x3132_3334,
          null,
          0x7f51_5253_5455,
          0,
        ),
      hex: "000000003433323145444342417f000055545352517f0000" +
        "00000000000000000000000000000000",
    },
    {
      name: "drm_virtgpu_getparam",
      size: 16,
      encode: (words: Uint32Array) =>
        encodeGetParam(words, 7, 0x7f61_6263_6465),
      hex: "070000000000000065646362617f0000",
    },
    {
      name: "drm_virtgpu_get_caps",
      size: 24,
      encode: (words: Uint32Array) =>
        encodeGetCaps(words, 5, 1, 0x7f71_7273_7475, 16),
      hex: "050000000100000075747372717f00001000000000000000",
    },
    {
      name: "drm_virtgpu_resource_create_blob",
      size: 48,
      encode: (words: Uint32Array) =>
        encodeCreateBlob(words, 2, 3, 0x1234_5678_9000, 0x8182_8384),
      hex: "0200000003000000000000000000000000907856341200000000000000000000" +
        "00000000000000008483828100000000",
    },
    {
      name: "the three drm_virtgpu_context_set_param",
      size: 48,
      encode: (words: Uint32Array) => encodeContextParameters(words, 5, 2, 6),
      hex: "0100000000000000050000000000000002000000000000000200000000000000" +
        "03000000000000000600000000000000",
    },
    {
      name: "drm_virtgpu_context_init",
      size: 16,
      encode: (words: Uint32Array) =>
        encodeContextInit(words, 3, 0x7f91_9293_9495),
      hex: "030000000000000095949392917f0000",
    },
  ]
) {
  Deno.test(`${name} has the kernel's bytes`, () => {
    const { words } = new StructWords(size);
    assert.equal(words.byteLength, size);
    encode(words);
    assert.equal(hexOf(words), hex);
    // a struct is used again and again: nothing of the last use may stay
    words.fill(0);
    encode(words);
    assert.equal(hexOf(words), hex);
  });
}

Deno.test("requests have the kernel's numbers", () => {
  assert.deepEqual(DRM_REQUESTS, {
    version: 0xc040_6400n,
    gemClose: 0x4008_6409n,
    primeHandleToFd: 0xc00c_642dn,
    primeFdToHandle: 0xc00c_642en,
  });
  assert.deepEqual(VIRTGPU_REQUESTS, {
    map: 0xc010_6441n,
    // the struct of before Linux 6.6, which newer kernels take as well
    execbuffer: 0xc028_6442n,
    getParam: 0xc010_6443n,
    resourceInfo: 0xc010_6445n,
    wait: 0xc008_6448n,
    getCaps: 0xc018_6449n,
    createBlob: 0xc030_644an,
    contextInit: 0xc010_644bn,
  });
});

Deno.test("fence events are counted, and others skipped by their length", () => {
  const words = new Uint32Array([
    0x9000_0000,
    8,
    0x1,
    16,
    0x9000_0000,
    8, // inside the other event
    0x9000_0000,
    8,
  ]);
  assert.equal(countFenceEvents(new DataView(words.buffer), 32), 2);
  assert.equal(countFenceEvents(new DataView(words.buffer), 8), 1);
  assert.equal(countFenceEvents(new DataView(words.buffer), 0), 0);
});

Deno.test("an event without a length does not stop the count", () => {
  const words = new Uint32Array([0x1, 0, 0x9000_0000, 8]);
  assert.equal(countFenceEvents(new DataView(words.buffer), 16), 1);
});

Deno.test("a device's number is that of glibc's makedev", () => {
  // makedev(226, 128), makedev(0x12345, 0x6789a)
  assert.equal(encodeDeviceNumber(226, 128), 0xe280n);
  assert.equal(encodeDeviceNumber(0x12345, 0x6789a), 0x0001_2000_6783_459an);
});

Deno.test("the request for a dma-buf has the number of <linux/udmabuf.h>", () => {
  assert.equal(UDMABUF_CREATE, 0x4018_7542n);
});
