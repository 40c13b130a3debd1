// Edits on their way to the server, one after the other. Until one is confirmed it is also kept in the browser's own
// storage, so that neither a crash of the browser nor a server that is away loses it. All tabs share that storage: each
// edit has a place of its own there, and one that two tabs send counts once.
import * as api from "./api.js";
const STORED = "ictal-review-unsaved ";
const AGAIN_MS = 2000;
export class Saver {
  hooks;
  waiting;
  folder;
  busy;
  constructor(hooks){
    this.hooks = hooks;
    this.waiting = [];
    this.folder = "";
    this.busy = false;
  }
  /** Take up what was not confirmed before this tab was opened, of the marks in this folder. */ takeUp(folder) {
    this.folder = folder;
    const keys = Object.keys(localStorage).filter((key)=>key.startsWith(STORED));
    const edits = keys.map((key)=>JSON.parse(localStorage.getItem(key) ?? "null"));
    this.waiting.push(...edits.filter((edit)=>edit?.folder === folder).sort((a, b)=>a.made_ms - b.made_ms));
  }
  /** Edits of a recording that are not confirmed yet. */ unsaved(id) {
    return this.waiting.filter((edit)=>edit.id === id);
  }
  get idle() {
    return this.waiting.length === 0;
  }
  /** Send an edit; returns it as it waits. */ add(edit) {
    const made = {
      ...edit,
      folder: this.folder,
      made_ms: performance.timeOrigin + performance.now()
    };
    this.waiting.push(made);
    this.keep(made);
    void this.flush();
    return made;
  }
  /** Send what waits, until nothing does. */ async flush() {
    if (this.busy) return;
    this.busy = true;
    try {
      for(let edit = this.sendable(); edit !== undefined; edit = this.sendable())await this.send(edit);
    } finally{
      this.busy = false;
    }
  }
  sendable() {
    return this.waiting.find((edit)=>this.hooks.numberOf(edit.id) !== undefined);
  }
  async send(edit) {
    this.hooks.said("Saving…", false);
    try {
      const answer = await api.send(this.hooks.numberOf(edit.id), edit.mark, edit.seen);
      if (answer.conflict !== null) await this.resolve(edit, answer.conflict, answer.marks);
      else this.confirm(edit, answer.written, answer.marks);
    } catch (error) {
      if (error instanceof api.Refused) {
        await this.takeBack(edit);
        this.hooks.said(error.message, true);
        return;
      }
      this.hooks.said("Not saved yet: the server does not answer", true);
      await new Promise((resume)=>setTimeout(resume, AGAIN_MS));
    }
  }
  /** Show a recording without an edit that the server has refused. */ async takeBack(edit) {
    this.drop(edit);
    const known = await api.marks(this.hooks.numberOf(edit.id)).catch(()=>null);
    if (known !== null) this.hooks.learnt(edit.id, known);
  }
  confirm(edit, written, marks) {
    this.drop(edit);
    for (const later of this.unsaved(edit.id)){
      if (later.mark.event !== written.event) continue;
      later.seen = written.revision;
      this.keep(later);
    }
    this.hooks.learnt(edit.id, marks);
    this.hooks.said("Saved", false);
  }
  async resolve(edit, theirs, marks) {
    const mine = await this.hooks.decide(edit, theirs);
    if (mine) {
      edit.seen = theirs.revision;
      this.keep(edit);
      return;
    }
    for (const own of this.unsaved(edit.id)){
      if (own.mark.event === theirs.event) this.drop(own);
    }
    this.hooks.learnt(edit.id, marks);
    this.hooks.said("Theirs kept", false);
  }
  drop(edit) {
    this.waiting.splice(this.waiting.indexOf(edit), 1);
    localStorage.removeItem(STORED + edit.mark.edit);
  }
  keep(edit) {
    localStorage.setItem(STORED + edit.mark.edit, JSON.stringify(edit));
  }
}
/** A name that nothing else has; `crypto.randomUUID` is not there on plain HTTP. */ export function unique() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte)=>byte.toString(16).padStart(2, "0")).join("");
}
