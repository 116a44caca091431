// The linter of the page's JavaScript: node tools/lint.mjs FOLDER. Names that are nowhere defined, that nobody uses, that hide the browser's.
// The bundle is one scope (companion/live/bundle.py), so that a forgotten import would work there until the order changes: here it is an error.
import fs from "node:fs";
import vm from "node:vm";
import { parse } from "../companion/live/vendor/acorn/acorn.mjs";

const LANGUAGE = vm.runInNewContext("Object.getOwnPropertyNames(globalThis)");
const BROWSER = `Blob DecompressionStream Event IntersectionObserver MutationObserver Path2D ResizeObserver Response URL URLSearchParams
  Worker atob cancelAnimationFrame clearInterval clearTimeout document getComputedStyle history location matchMedia navigator performance
  requestAnimationFrame self setInterval setTimeout window`.split(/\s+/);
const DOORS = ["in_page.js", "in_notebook.js", "worker.js"]; // what they export is for others than these files
const GIVEN = new Set([...LANGUAGE, ...BROWSER]);

const LIKE = {
  ArrowFunctionExpression: "FunctionExpression", MethodDefinition: "Property", PropertyDefinition: "Property",
};
const OPENING = ["BlockStatement", "ForStatement", "ForOfStatement", "ForInStatement", "SwitchStatement"];

class Scope {
  constructor(parent) {
    Object.assign(this, { parent, names: new Map() });
  }

  find(name) {
    return this.names.get(name) || (this.parent && this.parent.find(name));
  }
}

class Reader { // one file: what it declares, imports, exports, and every use of a name
  constructor(source) {
    this.tree = parse(source, { ecmaVersion: "latest", sourceType: "module", locations: true });
    Object.assign(this, { top: new Scope(null), declared: [], uses: [], imports: [], exports: new Map() });
    this.all(this.tree.body, this.top);
    for (const { name, scope, writes } of this.uses) {
      const found = scope.find(name);
      if (found && !writes) found.used = true;
    }
  }

  declare(id, scope, kind) {
    const entry = { name: id.name, line: id.loc.start.line, kind, used: false };
    scope.names.set(id.name, entry);
    this.declared.push(entry);
    return entry;
  }

  all(nodes, scope) {
    nodes.forEach((node) => node && this.visit(node, scope));
  }

  visit(node, scope) {
    const kind = LIKE[node.type] || node.type;
    if (this[kind]) return void this[kind](node, scope);
    const inner = OPENING.includes(kind) ? new Scope(scope) : scope;
    for (const value of Object.values(node)) {
      if (Array.isArray(value)) this.all(value, inner);
      else if (value && value.type) this.visit(value, inner);
    }
    return undefined;
  }

  // --- uses ---

  Identifier(node, scope, writes = false) {
    this.uses.push({ name: node.name, line: node.loc.start.line, scope, writes });
  }

  MemberExpression(node, scope) {
    this.visit(node.object, scope);
    if (node.computed) this.visit(node.property, scope);
  }

  Property(node, scope) {
    if (node.computed) this.visit(node.key, scope);
    if (node.value) this.visit(node.value, scope);
  }

  AssignmentExpression(node, scope) { // what is only ever written is not used
    if (node.operator === "=" && node.left.type === "Identifier") this.Identifier(node.left, scope, true);
    else this.visit(node.left, scope);
    this.visit(node.right, scope);
  }

  // --- declarations ---

  bind(pattern, scope, kind) {
    if (pattern.type === "Identifier") return void this.declare(pattern, scope, kind);
    if (pattern.type === "AssignmentPattern") {
      this.bind(pattern.left, scope, kind);
      return void this.visit(pattern.right, scope);
    }
    if (pattern.type === "RestElement") return void this.bind(pattern.argument, scope, kind);
    for (const part of pattern.elements || pattern.properties) {
      if (part && part.computed) this.visit(part.key, scope);
      if (part) this.bind(part.type === "Property" ? part.value : part, scope, kind);
    }
    return undefined;
  }

  VariableDeclaration(node, scope) {
    for (const { id, init } of node.declarations) {
      if (init) this.visit(init, scope);
      this.bind(id, scope, node.kind);
    }
  }

  FunctionDeclaration(node, scope) {
    this.declare(node.id, scope, "function");
    this.FunctionExpression(node, scope);
  }

  FunctionExpression(node, scope) {
    const inner = new Scope(scope), before = this.declared.length;
    node.params.forEach((param) => this.bind(param, inner, "parameter"));
    const own = this.declared.slice(before);
    this.all(node.body.type === "BlockStatement" ? node.body.body : [node.body], inner);
    own.forEach((entry) => void (entry.among = own)); // one that stands before a used one must stand there
  }

  ClassDeclaration(node, scope) {
    this.declare(node.id, scope, "class");
    if (node.superClass) this.visit(node.superClass, scope);
    this.visit(node.body, scope);
  }

  CatchClause(node, scope) {
    const inner = new Scope(scope);
    if (node.param) this.bind(node.param, inner, "caught");
    this.all(node.body.body, inner);
  }

  // --- modules ---

  ImportDeclaration(node, scope) {
    for (const { local, imported } of node.specifiers) {
      this.imports.push({ name: imported.name, from: node.source.value.replace("./", ""), line: node.loc.start.line });
      this.declare(local, scope, "import");
    }
  }

  ExportNamedDeclaration(node, scope) {
    const before = new Set(scope.names.keys());
    if (node.declaration) this.visit(node.declaration, scope);
    for (const [name, entry] of scope.names) {
      if (!before.has(name)) {
        entry.used = true;
        this.exports.set(name, entry.line);
      }
    }
  }
}

function* namesOf(reader) { // [line, words]
  for (const { name, line, scope } of reader.uses) {
    if (!scope.find(name) && !GIVEN.has(name)) yield [line, `${name} is not defined: import it from the file that exports it`];
  }
  for (const entry of reader.declared) {
    const { name, line, kind, used, among = [] } = entry;
    const needed = among.slice(among.indexOf(entry) + 1).some((later) => later.used);
    if (!used && !needed && kind !== "caught") yield [line, `${name} (${kind}) is not used: take it away`];
  }
  for (const [name, { line }] of reader.top.names) {
    if (GIVEN.has(name)) yield [line, `${name} is a name of the browser: in the bundle it would be hidden from every file`];
  }
}

function* exportsOf(file, reader, readers) {
  for (const { name, from, line } of reader.imports) {
    if (!readers.has(from)) yield [line, `there is no ${from} beside it`];
    else if (!readers.get(from).exports.has(name)) yield [line, `${from} does not export ${name}`];
  }
  const taken = [...readers.values()].flatMap(({ imports }) => imports).filter(({ from }) => from === file);
  for (const [name, line] of reader.exports) {
    if (!DOORS.includes(file) && !taken.some((one) => one.name === name)) yield [line, `${name} is exported and nobody imports it`];
  }
}

function complaints(sources) { // {file: source} -> ["file:line: words"]
  const readers = new Map(Object.entries(sources).map(([file, source]) => [file, new Reader(source)]));
  return [...readers].flatMap(([file, reader]) =>
    [...namesOf(reader), ...exportsOf(file, reader, readers)].map(([line, words]) => `${file}:${line}: ${words}.`));
}

const [, , folder] = process.argv;
const files = fs.readdirSync(folder).filter((file) => file.endsWith(".js"));
const found = complaints(Object.fromEntries(files.map((file) => [file, fs.readFileSync(`${folder}/${file}`, "utf8")])));
found.forEach((line) => console.log(line));
process.exitCode = found.length ? 1 : 0;
