// Edits on their way to the server, one after the other. Until one is confirmed it is also kept in the browser's own
// storage, so that neither a crash of the browser nor a server that is away loses it.
import * as api from "./api.js";
const STORED = "ictal-review-unsaved";
const AGAIN_MS = 2000;
export class Saver {
  hooks;
  waiting;
  busy;
  constructor(hooks){
    this.hooks = hooks;
    this.busy = false;
    this.waiting = JSON.parse(localStorage.getItem(STORED) ?? "[]");
  }
  /** Edits of a recording that are not confirmed yet. */ unsaved(id) {
    return this.waiting.filter((edit)=>edit.id === id);
  }
  get idle() {
    return this.waiting.length === 0;
  }
  add(edit) {
    this.waiting.push(edit);
    this.keep();
    void this.flush();
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
        this.drop(edit);
        this.hooks.said(error.message, true);
        return;
      }
      this.hooks.said("Not saved yet: the server does not answer", true);
      await new Promise((resume)=>setTimeout(resume, AGAIN_MS));
    }
  }
  confirm(edit, written, marks) {
    this.drop(edit);
    for (const later of this.unsaved(edit.id)){
      if (later.mark.event === written.event) later.seen = written.revision;
    }
    this.keep();
    this.hooks.learnt(edit.id, marks);
    this.hooks.said("Saved", false);
  }
  async resolve(edit, theirs, marks) {
    const mine = await this.hooks.decide(edit, theirs);
    if (mine) {
      edit.seen = theirs.revision;
      this.keep();
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
    this.keep();
  }
  keep() {
    localStorage.setItem(STORED, JSON.stringify(this.waiting));
  }
}
/** A name that nothing else has; `crypto.randomUUID` is not there on plain HTTP. */ export function unique() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte)=>byte.toString(16).padStart(2, "0")).join("");
}
