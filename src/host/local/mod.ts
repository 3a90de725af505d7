/** Endpoints on a Unix socket: clients, and a compositor of this machine. */
export { LocalSocket } from "./socket.ts";
