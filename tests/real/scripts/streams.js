// Files and streams: pipelines through gzip, directories, watching, descriptors, many operations at once.
const fs = require('fs');
const { pipeline } = require('stream/promises');
const zlib = require('zlib');

async function main() {
  await pipeline(fs.createReadStream('a'), zlib.createGzip(), zlib.createGunzip(), fs.createWriteStream('copy'));
  console.log(fs.readFileSync('copy').equals(fs.readFileSync('a')));
  fs.mkdirSync('x/y/z', { recursive: true });
  await Promise.all([...Array(100).keys()].map((i) => fs.promises.writeFile(`x/y/z/${i}`, `${i}\n`)));
  console.log(fs.readdirSync('x/y/z').length, fs.statSync('x/y/z/7').size);
  await fs.promises.rename('x/y', 'x/w');
  fs.symlinkSync('w', 'x/link');
  console.log(fs.realpathSync('x/link').endsWith('/x/w'), fs.existsSync('x/y'));
  const changed = new Promise((resolve) => {
    const watcher = fs.watch('x', (event, name) => { watcher.close(); resolve([event, name]); });
  });
  fs.writeFileSync('x/new', 'text');
  console.log(await changed);
  const fd = fs.openSync('x/new', 'r+');
  fs.writeSync(fd, 'T', 0);
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  console.log(fs.readFileSync('x/new', 'utf8'));
  for (const path of ['missing', 'x']) {
    await fs.promises.readFile(path).catch((error) => console.log(error.code, error.syscall));
  }
  await fs.promises.rm('x/w', { recursive: true });
  console.log(fs.readdirSync('x'));
}

main();
