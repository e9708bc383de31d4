// Preloaded: Node believes that it runs elsewhere.
for (const [name, value] of [['platform', 'darwin'], ['arch', 'arm64']]) Object.defineProperty(process, name, { value });
