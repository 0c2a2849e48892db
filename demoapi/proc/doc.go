// Package proc supervises the processes of a private demo so that nothing of it
// is left behind: no process, no file, no socket, however its owner ends.
//
// Three belts hold, each alone:
//
//   - the owner stops what it started when [Guard.Close] is called;
//   - a guard, this program started again in a session of its own, reads a pipe
//     that only the owner writes. The end of that pipe means that the owner is
//     gone, even by kill -9: the guard ends the recorded processes and removes
//     the folder;
//   - on Linux the kernel signals every child when its owner dies.
//
// Should all of that be killed at once, the next [Open] finds the folder
// unlocked and clears it. main must call [RunGuard] before anything else.
package proc
