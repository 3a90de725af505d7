/**
 * Closing an X window as a window manager does, with WM_DELETE_WINDOW (ICCCM
 * 4.2.8.1).
 *
 * weston takes an output away only then: xdotool 3 destroys windows instead,
 * and other tools need a window manager.
 */

const INTERN_ATOM = 16;
const SEND_EVENT = 25;
const CLIENT_MESSAGE = 33;

/** Asks the owner of `window` on display number `display` to close it. */
export async function deleteWindow(
  display: number,
  window: number,
): Promise<void> {
  using server = await Deno.connect({
    transport: "unix",
    path: `/tmp/.X11-unix/X${display}`,
  });
  await writeAll(server, Uint8Array.of(0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0)); // little-endian, protocol 11.0
  const setup = new DataView((await readExactly(server, 8)).buffer);
  if (setup.getUint8(0) !== 1) {
    throw new Error(`X display :${display} refuses the connection`);
  }
  await readExactly(server, setup.getUint16(6, true) * 4);
  const protocols = await internAtom(server, "WM_PROTOCOLS");
  const deletion = await internAtom(server, "WM_DELETE_WINDOW");
  const request = new Uint32Array(11);
  request[0] = (11 << 16) | SEND_EVENT;
  request[1] = window; // with no event mask in the next word, its creator gets the event
  request[3] = (32 << 8) | CLIENT_MESSAGE;
  request[4] = window;
  request[5] = protocols;
  request[6] = deletion;
  await writeAll(server, new Uint8Array(request.buffer));
  await internAtom(server, "WM_PROTOCOLS"); // its reply says that the event was sent
}

async function internAtom(
  server: Deno.UnixConn,
  name: string,
): Promise<number> {
  const request = new Uint8Array(8 + Math.ceil(name.length / 4) * 4);
  const view = new DataView(request.buffer);
  view.setUint8(0, INTERN_ATOM);
  view.setUint16(2, request.length / 4, true);
  view.setUint16(4, name.length, true);
  new TextEncoder().encodeInto(name, request.subarray(8));
  await writeAll(server, request);
  return new DataView((await readExactly(server, 32)).buffer).getUint32(
    8,
    true,
  );
}

async function writeAll(
  server: Deno.UnixConn,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await server.write(bytes.subarray(sent));
  }
}

async function readExactly(
  server: Deno.UnixConn,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length;) {
    const count = await server.read(bytes.subarray(got));
    if (count === null) throw new Error("The X server closed the connection");
    got += count;
  }
  return bytes;
}
