// One worker in Pyodide, CPython for WebAssembly, under Node:
//   node pyodide.mjs DIR ROOTS PLACE ARGUMENT...  <case.json
// DIR is an unpacked `pyodide` package of npm; ROOTS, a JSON list, are put on sys.path and, like the directory
// PLACE, are seen inside under the same paths as outside. The arguments are those of garbology.study.worker.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

const [directory, roots, place, ...words] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(directory, "pyodide.mjs")));
const python = await loadPyodide({
  args: ["-c", "", ...words], // -c: sys.argv is what follows
  env: { HOME: "/home/pyodide", PYTHONHASHSEED: process.env.PYTHONHASHSEED ?? "0" },
});
const input = readFileSync(0);
let given = false;
python.setStdin({ stdin: () => (given ? null : ((given = true), input)) });

for (const path of [...JSON.parse(roots), place]) {
  python.FS.mkdirTree(path);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: path }, path);
}
python.globals.set("roots", python.toPy(JSON.parse(roots)));
python.globals.set("words", python.toPy(words));
try {
  process.exitCode = python.runPython(`
import sys
sys.path[:0] = roots
sys.argv[1:] = words
from garbology.study import worker
worker.main(words)
`);
} catch (error) {
  // Node would show the line of its own code, and that is the whole of Pyodide. The last line is Python's.
  console.error(error.message.split("\n").map((line) => line.trimEnd()).filter(Boolean).join("\n"));
  process.exitCode = 1;
}
