// From nothing to a line: what Node itself takes.

process.stdout.write("allow\n");
