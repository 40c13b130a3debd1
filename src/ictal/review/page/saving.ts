// Edits on their way to the server, one after the other. Until one is confirmed it is also kept in the browser's own
// storage, so that neither a crash of the browser nor a server that is away loses it. All tabs share that storage: each
// edit has a place of its own there, and one that two tabs send counts once.

import * as api from "./api.ts";

const STORED = "ictal-review-unsaved ";
const AGAIN_MS = 2000;

export interface Edit {
  /** Folder of the marks: of other servers at this address, another. */
  folder: string;
  /** When it was made, to tell which of two was first. */
  made_ms: number;
  /** Id of the recording: numbers may change from one start of the server to the next. */
  id: string;
  mark: Omit<api.Mark, "time" | "revision">;
  /** Revision of the event that its author saw. */
  seen: number;
}

export interface Hooks {
  /** The number of a recording; undefined if this server does not have it. */
  numberOf(id: string): number | undefined;
  /** What the server has of a recording. */
  learnt(id: string, marks: api.Marks): void;
  /** How saving goes, in words. */
  said(text: string, failed: boolean): void;
  /** Somebody else was first: whether to save mine over theirs. */
  decide(edit: Edit, theirs: api.Mark): Promise<boolean>;
}

export class Saver {
  private readonly waiting: Edit[] = [];
  private folder = "";
  private busy = false;

  constructor(private readonly hooks: Hooks) {}

  /** Take up what was not confirmed before this tab was opened, of the marks in this folder. */
  takeUp(folder: string): void {
    this.folder = folder;
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(STORED));
    const edits: Edit[] = keys.map((key) => JSON.parse(localStorage.getItem(key) ?? "null"));
    this.waiting.push(...edits.filter((edit) => edit?.folder === folder).sort((a, b) => a.made_ms - b.made_ms));
  }

  /** Edits of a recording that are not confirmed yet. */
  unsaved(id: string): Edit[] {
    return this.waiting.filter((edit) => edit.id === id);
  }

  get idle(): boolean {
    return this.waiting.length === 0;
  }

  /** Send an edit; returns it as it waits. */
  add(edit: Omit<Edit, "folder" | "made_ms">): Edit {
    const made: Edit = { ...edit, folder: this.folder, made_ms: performance.timeOrigin + performance.now() };
    this.waiting.push(made);
    this.keep(made);
    void this.flush();
    return made;
  }

  /** Send what waits, until nothing does. */
  async flush(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let edit = this.sendable(); edit !== undefined; edit = this.sendable()) await this.send(edit);
    } finally {
      this.busy = false;
    }
  }

  private sendable(): Edit | undefined {
    return this.waiting.find((edit) => this.hooks.numberOf(edit.id) !== undefined);
  }

  private async send(edit: Edit): Promise<void> {
    this.hooks.said("Saving…", false);
    try {
      const answer = await api.send(this.hooks.numberOf(edit.id)!, edit.mark, edit.seen);
      if (answer.conflict !== null) await this.resolve(edit, answer.conflict, answer.marks);
      else this.confirm(edit, answer.written!, answer.marks);
    } catch (error) {
      if (error instanceof api.Refused) {
        await this.takeBack(edit);
        this.hooks.said(error.message, true);
        return;
      }
      this.hooks.said("Not saved yet: the server does not answer", true);
      await new Promise((resume) => setTimeout(resume, AGAIN_MS));
    }
  }

  /** Show a recording without an edit that the server has refused. */
  private async takeBack(edit: Edit): Promise<void> {
    this.drop(edit);
    const known = await api.marks(this.hooks.numberOf(edit.id)!).catch(() => null);
    if (known !== null) this.hooks.learnt(edit.id, known);
  }

  private confirm(edit: Edit, written: api.Mark, marks: api.Marks): void {
    this.drop(edit);
    for (const later of this.unsaved(edit.id)) {
      if (later.mark.event !== written.event) continue;
      later.seen = written.revision;
      this.keep(later);
    }
    this.hooks.learnt(edit.id, marks);
    this.hooks.said("Saved", false);
  }

  private async resolve(edit: Edit, theirs: api.Mark, marks: api.Marks): Promise<void> {
    const mine = await this.hooks.decide(edit, theirs);
    if (mine) {
      edit.seen = theirs.revision;
      this.keep(edit);
      return;
    }
    for (const own of this.unsaved(edit.id)) {
      if (own.mark.event === theirs.event) this.drop(own);
    }
    this.hooks.learnt(edit.id, marks);
    this.hooks.said("Theirs kept", false);
  }

  private drop(edit: Edit): void {
    this.waiting.splice(this.waiting.indexOf(edit), 1);
    localStorage.removeItem(STORED + edit.mark.edit);
  }

  private keep(edit: Edit): void {
    localStorage.setItem(STORED + edit.mark.edit, JSON.stringify(edit));
  }
}

/** A name that nothing else has; `crypto.randomUUID` is not there on plain HTTP. */
export function unique(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
