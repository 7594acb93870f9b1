process.stdout.write("hftedge\n");
