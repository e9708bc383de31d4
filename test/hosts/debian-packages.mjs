// Debian packages unpacked into a cache folder, for running beside this machine's own. apt works with a state of its
// own: nothing is installed, and this machine's package lists and configuration are left as they are.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { capture, tail } from '../../scripts/run-quietly.mjs';

/** The hosts cannot be had on this machine: one sentence saying why. Not a failure of a test. */
export class Unavailable extends Error {}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const APT_SECONDS = 400;

async function run(why, command, args, options = {}) {
  const result = await capture(command, args, { timeoutSeconds: APT_SECONDS, ...options });
  if (result.status === 0) return result.stdout;
  const words = tail(result.stderr.trim() || result.stdout, 1);
  throw new Unavailable(`${why}${words === '' ? '' : ` (${words.trim()})`}.`);
}

/** The archive that this machine's apt already uses, as an address ending in /debian/. */
async function archive() {
  const uris = await run('apt-get does not run here', 'apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const found = uris.split('\n').find((uri) => uri.endsWith('/debian/'));
  if (found === undefined) throw new Unavailable('This machine\'s apt knows no Debian archive; the hosts are made of Debian packages.');
  return found;
}

/** Writes an apt.conf that moves all of apt's state into `folder`; APT_CONFIG names it to the tools. */
async function privateApt(folder, suite) {
  for (const name of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  writeFileSync(join(folder, 'sources.list'), `deb [signed-by=${KEYRING}] ${await archive()} ${suite} main\n`);
  const settings = {
    'Dir::Etc::SourceList': join(folder, 'sources.list'), 'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null', 'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State': folder, 'Dir::State::Lists': join(folder, 'lists'), 'Dir::State::Status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'), 'APT::Install-Recommends': 'false', 'APT::Sandbox::User': 'root',
    'Debug::NoLocking': 'true', 'Acquire::Retries': '2', 'Acquire::http::Timeout': '30',
  };
  const file = join(folder, 'apt.conf');
  writeFileSync(file, Object.entries(settings).map(([key, value]) => `${key} "${value}";\n`).join(''));
  return { ...process.env, APT_CONFIG: file, LC_ALL: 'C' };
}

/**
 * Unpacks packages under `cache/name`; at once if that was done before.
 * @param {string} cache folder for all that is kept between runs
 * @param {string} name of the set, and of its folder
 * @param {{ suite: string, packages: string[], bare?: boolean, alone?: boolean }} set `bare`: only the named packages; `alone`: what the named packages depend on
 *   directly and by a name that begins as theirs is fetched, and nothing else (a kernel without its tools)
 * @returns {Promise<string>} the folder that stands for `/` of the unpacked packages
 * @throws {Unavailable} where apt cannot get them
 */
export async function unpacked(cache, name, set) {
  // What could not be had once is not waited for again.
  const known = attempts.get(join(cache, name)) ?? unpack(cache, name, set);
  attempts.set(join(cache, name), known);
  return await known;
}

const attempts = new Map();

async function unpack(cache, name, set) {
  const folder = join(cache, name);
  const top = join(folder, 'root');
  const done = join(folder, 'complete');
  if (existsSync(done)) return top;
  if (!existsSync(KEYRING)) throw new Unavailable(`${KEYRING} is missing; the hosts are made of Debian packages.`);
  rmSync(folder, { recursive: true, force: true });
  const apt = join(folder, 'apt');
  mkdirSync(apt, { recursive: true });
  mkdirSync(top);
  const env = await privateApt(apt, set.suite);
  const unreachable = `apt could not get ${set.packages.join(', ')} from Debian ${set.suite}`;
  await run(unreachable, 'apt-get', ['-qq', 'update'], { env });
  const archives = join(apt, 'cache/archives');
  if (set.alone === true) {
    const listing = await run(unreachable, 'apt-cache', ['depends', ...set.packages], { env });
    const wanted = [...listing.matchAll(/Depends: (linux-image-\d\S+)/g)].map((match) => match[1]);
    if (wanted.length === 0) throw new Unavailable(`${unreachable}.`);
    await run(unreachable, 'apt-get', ['-qq', 'download', ...wanted], { env, cwd: archives });
  } else if (set.bare === true) {
    await run(unreachable, 'apt-get', ['-qq', 'download', ...set.packages], { env, cwd: archives });
  } else {
    await run(unreachable, 'apt-get', ['-qq', '-y', '--download-only', 'install', ...set.packages], { env });
  }
  for (const file of readdirSync(archives).filter((entry) => entry.endsWith('.deb'))) {
    // Through tar and not `dpkg-deb -x`: some packages still bring /lib, which here may be a link to usr/lib.
    await run(`${file} could not be unpacked`, 'sh',
      ['-c', 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink --no-same-owner', 'sh', join(archives, file), top]);
  }
  for (const link of ['bin', 'lib', 'lib64']) {
    if (!existsSync(join(top, link))) symlinkSync(`usr/${link}`, join(top, link));
  }
  rmSync(apt, { recursive: true, force: true });
  writeFileSync(done, '');
  return top;
}

/**
 * The command that runs an unpacked program with the libraries it was made for.
 * @param {string} top what `unpacked` returned
 * @param {string} program path inside it
 */
export function unpackedCommand(top, program) {
  const libraries = join(top, 'usr/lib/x86_64-linux-gnu');
  const path = [libraries, join(libraries, 'pulseaudio'), join(libraries, 'systemd')].join(':');
  return [join(top, 'lib64/ld-linux-x86-64.so.2'), '--library-path', path, join(top, program)];
}
