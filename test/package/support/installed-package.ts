/** The package as its users get it: packed, and installed from the tarball into an empty folder. */
import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PACKAGE_FOLDER } from '../../project-folders.js';
import { runOrThrow } from './run-program.js';

export interface Tarball {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Their paths in the package. */
  readonly files: readonly string[];
}

/** `npm pack`, with everything that it makes first. */
export function pack(folder: string): Tarball {
  const text = runOrThrow('npm', ['pack', '--json', '--pack-destination', folder], { cwd: PACKAGE_FOLDER, seconds: 240 });
  const [{ filename, size, files }] = JSON.parse(text.slice(text.indexOf('['))) as [{ filename: string; size: number; files: { path: string }[] }];
  return { path: join(folder, filename), size, files: files.map((file) => file.path) };
}

/** An environment whose PATH has Node, npm and a shell, and nothing that compiles. */
export function withoutCompiler(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const node = dirname(process.execPath);
  for (const [name, path] of [['node', process.execPath], ['npm', join(node, 'npm')], ['npx', join(node, 'npx')], ['sh', '/bin/sh'], ['env', '/usr/bin/env']] as const) {
    symlinkSync(path, join(bin, name));
  }
  return { ...process.env, PATH: bin };
}

/** Installs a tarball into a new folder. */
export function install(tarball: string, project: string, env: NodeJS.ProcessEnv): void {
  mkdirSync(project);
  copyFileSync(tarball, join(project, 'kvm-gdbserver.tgz'));
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
  runOrThrow('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', './kvm-gdbserver.tgz'], { cwd: project, env, seconds: 180 });
}

/** Node's own headers where they came with it spare node-gyp a download. */
export function withNodeHeaders(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? { ...env, npm_config_nodedir: prefix } : env;
}
