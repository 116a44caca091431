// The program of the worker, as a text: the build puts worker.js and what it imports here.

export const WORKER_SOURCE = "";
