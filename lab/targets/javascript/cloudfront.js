// A mock of CloudFront's module `cloudfront`: a KeyValueStore that rejects unknown keys, CWT, and a line for
// CloudFront's own log. The entries are in the global object `store`, which the host loads; the log line is
// stored in the global `customData`.

function valueOf(key, options) {
  var format = (options && options.format) || 'string', value;
  if (!Object.prototype.hasOwnProperty.call(store, key)) {
    return Promise.reject(new Error('KeyValueStore: KeyNotFound'));
  }
  value = store[key];
  return Promise.resolve(format === 'json' ? JSON.parse(value) : format === 'bytes' ? Buffer.from(value) : value);
}

function kvs() {
  return {
    get: valueOf,
    exists: function (key) {
      return Promise.resolve(Object.prototype.hasOwnProperty.call(store, key));
    },
    meta: function () {
      return Promise.resolve({ keyCount: Object.keys(store).length });
    }
  };
}

function logCustomData(text) {
  if (encodeURIComponent(text).replace(/%../g, '.').length > 800) {
    throw new Error('logCustomData: more than 800 bytes');
  }
  globalThis.customData = text;
}

function refuse() {
  throw new Error('CWT: invalid token');
}

export default { kvs: kvs, logCustomData: logCustomData, cwt: { validateToken: refuse, generateToken: refuse } };
