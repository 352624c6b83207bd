// Time from process start to one line of output: the cost of Node itself.

process.stdout.write("allow\n");
