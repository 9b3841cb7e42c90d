package domains

// date is the date of the list, as in SOURCE. Written by refresh.
const date = "2026-11-09"
