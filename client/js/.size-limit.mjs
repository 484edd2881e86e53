// What a page pays for what it imports of ours, as ES modules: minified, gzipped, without the NATS client.

const modifyEsbuildConfig = (config) => ({ ...config, format: "esm" });
const msgpack = "@msgpack/msgpack", ours = { gzip: true, modifyEsbuildConfig };

export default [
  { name: "calls alone", path: "caller.js", import: "{ connect }", ignore: [msgpack, "#tcp"], limit: "5.1 kB", ...ours },
  { name: "everything", path: "index.js", import: "{ connect }", ignore: [msgpack, "#tcp"], limit: "8.8 kB", ...ours },
  { name: "everything, with msgpack", path: "index.js", import: "{ connect }", ignore: ["#tcp"], limit: "14.5 kB", ...ours },
  { name: "the hooks", path: "react.js", limit: "1 kB", ...ours },
];
