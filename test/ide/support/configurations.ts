/** Reads the configurations of examples/ide as the programs they are for would, so that the tests run what people copy. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { GUESTS_FOLDER, PACKAGE_FOLDER } from '../../gdb/support/gdb-session.js';

export const IDE_FOLDER = join(PACKAGE_FOLDER, 'examples/ide');

/** Why what needs Lua is left out, for tape's `skip`; false where it is there. */
export const luaIsMissing: string | false =
  spawnSync('lua5.4', ['-v']).error === undefined ? false : 'lua5.4 is not installed here (Debian package lua5.4)';

function text(path: string): string {
  return readFileSync(join(IDE_FOLDER, path), 'utf8');
}

/** VS Code's files: JSON with comments. Throws with the parser's words. */
export function readJsonc(path: string): unknown {
  const result = ts.parseConfigFileTextToJson(path, text(path));
  if (result.error !== undefined) throw new Error(`${path}: ${ts.flattenDiagnosticMessageText(result.error.messageText, ' ')}`);
  return result.config as unknown;
}

export interface Element {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Every element of an XML file, in order. Throws with the parser's words. */
export function readXml(path: string): Element[] {
  const script = 'import json, sys, xml.etree.ElementTree as tree\n' +
    'print(json.dumps([{"tag": e.tag, "attributes": e.attrib} for e in tree.parse(sys.argv[1]).iter()]))';
  return JSON.parse(execFileSync('python3', ['-c', script, join(IDE_FOLDER, path)], { encoding: 'utf8' })) as Element[];
}

export interface NvimDap {
  readonly adapter: { readonly command: string; readonly args: readonly string[] };
  readonly configuration: Readonly<Record<string, string>>;
}

/** Runs a file for nvim-dap with a table in the place of the plug-in, and returns what it put there for C. */
export function readLua(path: string): NvimDap {
  const script = `
    local dap = { adapters = {}, configurations = {} }
    package.preload['dap'] = function() return dap end
    dofile(arg[1])
    local function json(value)
      if type(value) ~= 'table' then return string.format('%q', value) end
      local parts = {}
      if #value > 0 then
        for _, item in ipairs(value) do table.insert(parts, json(item)) end
        return '[' .. table.concat(parts, ',') .. ']'
      end
      for key, item in pairs(value) do table.insert(parts, string.format('%q', key) .. ':' .. json(item)) end
      return '{' .. table.concat(parts, ',') .. '}'
    end
    print(json({ adapter = dap.adapters.gdb, configuration = dap.configurations.c[1] }))`;
  return JSON.parse(execFileSync('lua5.4', ['-', join(IDE_FOLDER, path)], { encoding: 'utf8', input: script })) as NvimDap;
}

/** Why what needs Emacs is left out, for tape's `skip`; false where it is there. */
export const emacsIsMissing: string | false =
  spawnSync('emacs', ['--version']).error === undefined ? false : 'emacs is not installed here (Debian package emacs-nox)';

export interface Dape {
  readonly command: string;
  readonly args: readonly string[];
  /** What dape sends with its request. */
  readonly request: string;
  readonly target: string;
  readonly program: string;
}

/** Loads a file for dape in Emacs, with a list in the place of the package, and returns the configuration that it put there. */
export function readDape(path: string): Dape {
  const form = `(progn (require 'json) (setq dape-configs nil) (provide 'dape) (load (pop command-line-args-left) nil t)
    (let ((entry (cdar dape-configs)))
      (princ (json-encode (list :command (plist-get entry 'command) :args (vconcat (plist-get entry 'command-args))
        :request (plist-get entry :request) :target (plist-get entry :target) :program (plist-get entry :program))))))`;
  return JSON.parse(execFileSync('emacs', ['-Q', '--batch', '--eval', form, join(IDE_FOLDER, path)], { encoding: 'utf8' })) as Dape;
}

/** What the editors put in: the workspace is examples/guests, and the port is the test's. */
export function filledIn(value: string, address?: string): string {
  const path = value.replace(/\$\{workspaceFolder\}/g, GUESTS_FOLDER).replaceAll('$PROJECT_DIR$', GUESTS_FOLDER);
  return address === undefined ? path : path.replaceAll('127.0.0.1:1234', address);
}

/** As `filledIn`, for every string in a value of JSON. */
export function allFilledIn<T>(value: T, address?: string): T {
  return JSON.parse(JSON.stringify(value), (_, item: unknown) => (typeof item === 'string' ? filledIn(item, address) : item)) as T;
}
