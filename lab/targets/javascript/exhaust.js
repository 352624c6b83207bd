
// Stands behind a driver that leaves a module without memory, in one file with it.

/** Takes all the memory that a module could still get. */
function exhaust(memory) {
  for (let pages = 65_536; pages >= 1; pages >>= 1) {
    try {
      for (;;) memory.grow(pages);
    } catch {
      // Not as many as that.
    }
  }
}
