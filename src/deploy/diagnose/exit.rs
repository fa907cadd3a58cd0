//! What an exit code means. Above 128 a signal ended the process (128 + its number, as shells and container runtimes
//! count); 125 to 127 are the runtime's own.

/// In a few words, where the number says anything.
pub fn meaning(code: i64) -> Option<&'static str> {
    Some(match code {
        1 => "an error of its own",
        2 => "an error of its own, often a wrong argument",
        126 => "the command is not executable",
        127 => "the command was not found",
        129 => "SIGHUP: its terminal or parent went away",
        130 => "SIGINT: interrupted",
        131 => "SIGQUIT: asked to quit",
        132 => "SIGILL: an instruction that this CPU does not know",
        134 => "SIGABRT: it aborted itself",
        135 => "SIGBUS: a bad memory access",
        136 => "SIGFPE: a bad calculation",
        137 => "SIGKILL: killed",
        139 => "SIGSEGV: it crashed",
        141 => "SIGPIPE: whom it wrote to went away",
        143 => "SIGTERM: asked to stop",
        159 => "SIGSYS: a system call that is not allowed",
        255 => "an error of its own, or it could not be started",
        _ => return None,
    })
}
