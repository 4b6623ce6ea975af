// A worker in Pyodide, CPython for WebAssembly, under Node: node pyodide.mjs DIR ARGUMENT...  <case.json
// DIR is the unpacked npm package `pyodide`; the arguments are those of garbology.measuring.worker, the last one is
// the file to write. PYTHONPATH's directories and those of files are seen inside under the same paths as outside.
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

// What ends the interpreter is told in the last line, without Node's trace; os._exit(3) is exit status 3.
process.on("uncaughtException", (error) => {
  console.error(String(error?.stack ?? error));
  console.error(String(error?.message ?? error).split("\n")[0]);
  process.exit(error?.status ?? 1);
});

// As garbology/measuring/lifeline.py does: the main thread is inside of Python, so another one keeps the time limit, and
// waits for the runner's end where the system does not kill this process then.
const [pipe, seconds] = (process.env.GARBOLOGY_LIFELINE ?? "").split(" ").map(Number);
if (seconds) {
  const guard = `
    const { read } = require("node:fs");
    const { platform, seconds, pipe } = require("node:worker_threads").workerData;
    const end = () => process.kill(process.pid, "SIGKILL");
    setTimeout(end, Math.min(seconds * 1000, 2 ** 31 - 1));
    if (platform !== "linux" && pipe >= 0) read(pipe, Buffer.alloc(1), 0, 1, null, end);
  `;
  new Worker(guard, { eval: true, workerData: { platform: process.platform, seconds, pipe } }).unref();
}

const [directory, ...words] = process.argv.slice(2);
const roots = (process.env.PYTHONPATH ?? "").split(delimiter).filter((path) => path && existsSync(path));
const { loadPyodide } = await import(pathToFileURL(resolve(directory, "pyodide.mjs")));
const python = await loadPyodide({
  args: ["-X", "garbology=late"],
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: process.env.PYTHONHASHSEED ?? "0" },
});
const files = words.filter((word) => word.startsWith("/")); // the result, and a study that is a file and no module
for (const path of new Set([...roots, ...files.map(dirname)])) {
  python.FS.mkdirTree(path);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: path }, path);
}
let input = readFileSync(0);
python.setStdin({ stdin: () => [input, (input = null)][0] });
python.globals.set("roots", python.toPy(roots));
python.globals.set("words", python.toPy(words));
process.exitCode = python.runPython(`
import sys, traceback
sys.path[:0] = roots
sys.argv[1:] = words
try:
    from garbology.measuring.worker import main
    status = main(words)
except BaseException as error:
    traceback.print_exc()
    # Its last line, without the advice that Pyodide appends: what a native interpreter would say.
    print(f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}", file=sys.stderr)
    status = 1
status
`);
