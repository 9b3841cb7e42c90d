package disposable

// date is the list's, as SOURCE has it. Written by refresh.
const date = "2026-11-09"
