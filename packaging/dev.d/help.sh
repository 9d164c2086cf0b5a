#!/bin/sh
# dev help: the verbs, one line each.
cat <<'END'
usage: ./packaging/dev VERB [ARGUMENT...]

  demo [--keep]    build Doorward and watch one real call go the whole way; --keep leaves everything running
  test [PART...]   install what the tests need and run them all, or only the parts named:
                   lint build unit architecture programs fuzz end-to-end
  build [release]  build all programs and tests (debug), or the two programs as they are shipped
  lint             check the form of the Swift sources, the shell scripts and the Python files
  format           bring the Swift sources into that form
  bench [--against FOLDER]  build release and compare the agent with nginx, and both with no hop at all; and with the
                   programs of another build in FOLDER, in the same rounds
  soak [--minutes M]  build release, and let every known abuser loose on an agent beside a client that behaves
  fuzz [NAME [S]]  fuzz one target (or each) for S seconds; 60 without a number
  compatibility [SECTION...]  build release, try it with parts that others made, and write what was seen into
                   packaging/docs/compatibility.md; the sections: clients servers keyrings sign_in_servers
  sanitize [address|valgrind]  watch the memory of the paths where C libraries meet Swift: with a build for
                   AddressSanitizer, with valgrind, or with both
  install          build and put the programs and the systemd user unit into your home folder
  uninstall        stop the service and take them away again; settings, records and secrets stay
  help             this text
END
