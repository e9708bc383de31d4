/** The part of node-gyp-build (which has no types) that we call. */
declare module 'node-gyp-build' {
  /** Loads the binding of the package in `folder`: build/Release, then prebuilds/. Throws when there is none or it does not load. */
  export default function load(folder: string): unknown;
}
