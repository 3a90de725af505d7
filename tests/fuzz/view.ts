/**
 * What one side of a connection knows about its objects: a model that is
 * written apart from the relay's, to be compared with it.
 */
import { getInterface, type Interface } from "../../protocols/tables.ts";

/** The first id of the server's range, as read from an `Int32Array`. */
export const FIRST_HIGH = 0xff000000 | 0;

/** An object as the client knows it, or as the host does. */
export class FuzzObject {
  readonly id: number;
  readonly interface: Interface;
  readonly version: number;
  /**
   * Whether it may be used: neither its client nor an event has destroyed it.
   */
  alive = true;
  /** Whether a request destroyed it, not an event. */
  destroyedByClient = false;
  /** Counts up, to tell what was destroyed first. */
  destroyedAt = 0;
  /**
   * For one that the client destroyed: whether the relay has seen that, too.
   */
  settled = false;
  /** For one of the host's view: whether the host has said `delete_id`. */
  deleted = false;
  /** For one of the client's view: whether the relay keeps it from the host. */
  inert: "no" | "maybe" | "yes" = "no";
  /**
   * For one that the host made: whether the relay destroyed it, because the
   * client never heard of it.
   */
  dropped = false;
  /**
   * For one that the host made: whether the host has given its id to another
   * one since.
   */
  replaced = false;
  /** The same object on the other side. */
  peer: FuzzObject | null = null;
  /** Places in the lists of the view. */
  place = -1;
  placeAmongEqual = -1;

  constructor(id: number, type: Interface, version: number) {
    this.id = id;
    this.interface = type;
    this.version = version;
  }

  toString(): string {
    return `${this.interface.name}@${this.id >>> 0}`;
  }
}

/** A global, as it was announced. */
export interface Global {
  readonly name: number;
  readonly interface: string;
  readonly version: number;
}

/** The objects of one side. Ids are signed. */
export class View {
  /** By id; what is destroyed stays until its id is free. */
  readonly objects = new Map<number, FuzzObject>();
  /** All that may be used. */
  readonly live: FuzzObject[] = [];
  readonly display: FuzzObject;
  readonly globals = new Map<number, Global>();
  readonly removedGlobals = new Map<number, Global>();
  readonly #byInterface = new Map<Interface, FuzzObject[]>();
  readonly #freeLow: number[] = [];
  readonly #freeHigh: number[] = [];
  #nextLow = 1;
  #nextHigh = FIRST_HIGH;

  constructor() {
    this.display = this.add(1, getInterface("wl_display"), 1);
  }

  /** All of an interface that may be used. */
  liveOf(type: Interface): readonly FuzzObject[] {
    return this.#byInterface.get(type) ?? [];
  }

  /**
   * Enters an object; whatever had its id before is gone. A host that takes an
   * id which its client still uses leaves the client behind with an object that
   * nobody answers.
   */
  add(id: number, type: Interface, version: number): FuzzObject {
    const before = this.objects.get(id);
    if (before?.alive === true) {
      before.replaced = true;
      if (before.peer !== null) before.peer.inert = "maybe";
      this.destroy(before);
    }
    const object = new FuzzObject(id, type, version);
    this.objects.set(id, object);
    if (id > 0) this.#nextLow = Math.max(this.#nextLow, id + 1);
    else this.#nextHigh = Math.max(this.#nextHigh, id + 1);
    object.place = this.live.push(object) - 1;
    let equals = this.#byInterface.get(type);
    if (equals === undefined) this.#byInterface.set(type, equals = []);
    object.placeAmongEqual = equals.push(object) - 1;
    return object;
  }

  /** The object may not be used any more; its id stays taken. */
  destroy(object: FuzzObject): void {
    if (!object.alive) return;
    object.alive = false;
    const last = this.live.pop();
    if (last !== undefined && last !== object) {
      this.live[object.place] = last;
      last.place = object.place;
    }
    const equals = this.#byInterface.get(object.interface);
    const lastEqual = equals?.pop();
    if (
      equals !== undefined && lastEqual !== undefined && lastEqual !== object
    ) {
      equals[object.placeAmongEqual] = lastEqual;
      lastEqual.placeAmongEqual = object.placeAmongEqual;
    }
    if (object.id < 0) this.#freeHigh.push(object.id);
  }

  /** The id may be used again. */
  forget(object: FuzzObject): void {
    this.destroy(object);
    if (this.objects.get(object.id) !== object) return;
    this.objects.delete(object.id);
    if (object.id > 0) this.#freeLow.push(object.id);
  }

  /** Whether the client may give this id to a new object. */
  isFreeLow(id: number): boolean {
    return id > 1 && id <= this.#nextLow && !this.objects.has(id);
  }

  /**
   * Whether the host may: it takes one again as soon as its object is
   * destroyed.
   */
  isFreeHigh(id: number): boolean {
    return id < 0 && id >= FIRST_HIGH && id <= this.#nextHigh &&
      this.objects.get(id)?.alive !== true;
  }

  /** Whether no id of the host's range is left out before this one. */
  isDenseHigh(id: number): boolean {
    return id < 0 && id >= FIRST_HIGH && id <= this.#nextHigh;
  }

  /** An id that `isFreeLow`: one that is used again, or the next. */
  chooseLow(again: boolean): number {
    return this.#choose(this.#freeLow, again, (id) => this.isFreeLow(id)) ??
      this.#nextLow;
  }

  /** An id that `isFreeHigh`. */
  chooseHigh(again: boolean): number {
    return this.#choose(this.#freeHigh, again, (id) => this.isFreeHigh(id)) ??
      this.#nextHigh;
  }

  #choose(
    free: number[],
    again: boolean,
    isFree: (id: number) => boolean,
  ): number | null {
    while (again) {
      const id = free.at(-1);
      if (id === undefined) return null;
      // stays in the list until it is seen to be taken
      if (isFree(id)) return id;
      free.pop();
    }
    return null;
  }
}
