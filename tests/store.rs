//! Layouts and archives against the programs that write and read them.
