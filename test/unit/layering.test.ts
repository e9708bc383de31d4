/**
 * The house rules of src/ (docs/architecture.md): who may import whom, no circles between folders, one loader of
 * the binary, files of a size that one person can hold in the head. Type imports count like any other.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import test from 'tape';
import ts from 'typescript';
import { PACKAGE_FOLDER } from '../project-folders.js';

/** A part of src/ and what it may import besides itself: a folder, or one file of it. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'target.ts': [],
  x86: [],
  vmm: ['x86'],
  breakpoints: ['x86', 'target.ts', 'vmm/exit.ts'],
  rsp: ['x86', 'target.ts'],
  debugger: ['x86', 'target.ts', 'vmm', 'breakpoints'],
  cli: ['x86', 'target.ts', 'vmm', 'rsp', 'debugger'],
  'index.ts': ['x86', 'target.ts', 'vmm', 'rsp', 'debugger'],
};

const LONGEST_FILE = 300;

interface Import {
  /** Paths from src/, with `.ts`. */
  readonly from: string;
  readonly to: string;
}

/** Every module name that a source text imports, re-exports, requires, or names in `import('…')`, as a type or not. */
function importedNames(text: string): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    let name: ts.Node | undefined;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) name = node.moduleSpecifier;
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) name = node.argument.literal;
    else if (ts.isCallExpression(node) && (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require'))) name = node.arguments[0];
    if (name !== undefined && ts.isStringLiteralLike(name)) names.push(name.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('file.ts', text, ts.ScriptTarget.Latest));
  return names;
}

/** The imports among our own files, relative names resolved. */
function ownImports(sources: ReadonlyMap<string, string>): Import[] {
  return [...sources].flatMap(([from, text]) => importedNames(text)
    .filter((name) => name.startsWith('.'))
    .map((name) => ({ from, to: posix.join(posix.dirname(from), name).replace(/\.js$/, '.ts') })));
}

/** `vmm/boot/elf.ts` → `vmm`; `target.ts` → `target.ts`. */
function partOf(path: string): string {
  return path.split('/')[0] ?? path;
}

function layeringViolations(imports: readonly Import[]): string[] {
  return imports
    .filter(({ from, to }) => {
      const allowed = ALLOWED[partOf(from)];
      return partOf(from) !== partOf(to) && !(allowed?.includes(partOf(to)) === true || allowed?.includes(to) === true);
    })
    .map(({ from, to }) => `${from} must not import ${to}`);
}

/** Circles in a graph of imports whose nodes `nodeOf` names, each as `a → b → a`. */
function circles(imports: readonly Import[], nodeOf: (path: string) => string): string[] {
  const edges = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    if (nodeOf(from) === nodeOf(to)) continue;
    edges.set(nodeOf(from), (edges.get(nodeOf(from)) ?? new Set()).add(nodeOf(to)));
  }
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (node: string, path: readonly string[]): void => {
    const start = path.indexOf(node);
    if (start >= 0) found.push([...path.slice(start), node].join(' → '));
    if (start >= 0 || done.has(node)) return;
    for (const next of edges.get(node) ?? []) walk(next, [...path, node]);
    done.add(node);
  };
  for (const node of edges.keys()) walk(node, []);
  return found;
}

/** vmm/native.ts loads the binary; the others load a package when it is first needed, which is no binary. */
const MAY_REQUIRE = new Set(['vmm/native.ts', 'x86/instruction-decode.ts', 'vmm/display/image-file.ts']);

/** Other files that could load a binary. */
function binaryLoaders(sources: ReadonlyMap<string, string>): string[] {
  return [...sources]
    .filter(([path, text]) => !MAY_REQUIRE.has(path) &&
      (/\bcreateRequire\b|\bprocess\.dlopen\b/.test(text) || importedNames(text).some((name) => name.endsWith('.node'))))
    .map(([path]) => path);
}

/** The sources of src/ by path. */
function readSources(): Map<string, string> {
  const src = join(PACKAGE_FOLDER, 'src');
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')).sort();
  return new Map(names.map((name) => [name, readFileSync(join(src, name), 'utf8')]));
}

test('layering: src/ keeps the rules', (t) => {
  const sources = readSources();
  const imports = ownImports(sources);
  t.ok(sources.has('vmm/native.ts') && imports.length > 0, `${sources.size} files, ${imports.length} imports of our own`);
  t.deepEqual([...new Set([...sources.keys()].map(partOf))].filter((part) => !(part in ALLOWED)), [], 'every part has a rule');
  t.deepEqual(imports.filter(({ to }) => !sources.has(to)), [], 'every import names a file of src/');
  t.deepEqual(layeringViolations(imports), [], 'who may import whom');
  t.deepEqual(circles(imports, partOf), [], 'no circles between folders');
  t.deepEqual(circles(imports, (path) => path), [], 'no circles between files');
  t.deepEqual(binaryLoaders(sources), [], 'only vmm/native.ts loads the binary');
  t.end();
});

test('layering: files are short', (t) => {
  const long = [...readSources()]
    .map(([path, text]) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > LONGEST_FILE);
  t.deepEqual(long, [], `no file of src/ is longer than ${LONGEST_FILE} lines`);
  t.end();
});

test('layering: the rules catch what breaks them', (t) => {
  const sources = new Map([
    ['rsp/session.ts', `import type { Vm } from '../vmm/vm.js';\nexport * from './packet.js';`],
    ['rsp/packet.ts', ''],
    ['vmm/vm.ts', `type A = import('../target.js').ThreadId;\nconst b = await import('./boot/elf.js');`],
    ['vmm/boot/elf.ts', `export type { Vm } from '../vm.js';\nimport { createRequire } from 'node:module';`],
    ['breakpoints/plan.ts', `import { native } from '../vmm/native.js';\nimport type { Exit } from '../vmm/exit.js';`],
    ['target.ts', `import './vmm/exit.js';\nconst binding = require('./kvm.node');`],
    ['vmm/exit.ts', ''],
  ]);
  const imports = ownImports(sources);
  t.deepEqual(layeringViolations(imports), [
    'rsp/session.ts must not import vmm/vm.ts',
    'vmm/vm.ts must not import target.ts',
    'breakpoints/plan.ts must not import vmm/native.ts',
    'target.ts must not import vmm/exit.ts',
    'target.ts must not import kvm.node',
  ]);
  t.deepEqual(circles(imports, partOf), ['vmm → target.ts → vmm']);
  t.deepEqual(circles(imports, (path) => path), ['vmm/vm.ts → vmm/boot/elf.ts → vmm/vm.ts']);
  t.deepEqual(binaryLoaders(sources), ['vmm/boot/elf.ts', 'target.ts']);
  t.end();
});
