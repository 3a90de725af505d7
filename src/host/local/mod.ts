/** Endpoints on a Unix socket: clients, and a compositor of this machine. */
export { LocalSocket, socketCarrier } from "./socket.ts";
