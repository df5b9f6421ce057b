//! Panics inside a run are findings with a place, not text on the terminal, and never the end of a campaign.
//!
//! A panic that unwinds to the end is caught. A second one on the way, in a drop, would end the whole process, and with
//! it whatever other seeds have found. The only place that still runs then is the panic hook, so a run has a thread of
//! its own: the hook hands on what both panics said, and the thread stops there for good. The hook counts as in use from
//! then on, so whoever replaces it waits for ever; at its end the test harness does.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::sync::mpsc::channel;

/// What a thread does with what panics say.
struct Listener {
    /// What the first panic said and where, while it unwinds.
    first: Option<String>,
    /// Hands on what is left to say when there is no way out of the thread.
    last_words: Box<dyn FnOnce(String)>,
}

thread_local! {
    /// Set while the thread runs a seed.
    static LISTENER: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Runs `body` on a thread of its own. If that ends in a panic within a panic, the thread is left behind, parked.
///
/// # Errors
/// What panicked, and where.
pub(crate) fn contain<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    install_hook();
    let (sender, ended) = channel();
    let run = move || {
        let dying = sender.clone();
        let last_words = Box::new(move |said| drop(dying.send(Err(said))));
        LISTENER.with(|listener| *listener.borrow_mut() = Some(Listener { first: None, last_words }));
        let _ = sender.send(catch(body));
        LISTENER.with(|listener| listener.borrow_mut().take());
    };
    let started = std::thread::Builder::new().name("seed".to_owned()).spawn(run);
    match started {
        Ok(_) => ended.recv().unwrap_or_else(|_| Err("the thread ended without a word".to_owned())),
        Err(e) => Err(format!("no thread can be started: {e}")),
    }
}

/// Runs `body`; where in it a panic was is known inside of [`contain`] only.
///
/// # Errors
/// What panicked, and where.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|panic| {
        let said = LISTENER.with(|listener| listener.borrow_mut().as_mut()?.first.take());
        said.unwrap_or_else(|| panic_text(&*panic))
    })
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "a panic without a message".to_owned())
}

fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            let is_ours = LISTENER.with(|listener| listener.borrow().is_some());
            if !is_ours || std::env::var_os("RUST_BACKTRACE").is_some() {
                before(info);
            }
            if is_ours {
                hear(info);
            }
        }));
    });
}

/// Keeps what the first panic says. Does not return from the second one: nothing but the end of the process comes after.
fn hear(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
    let said = format!("{}{place}", panic_text(info.payload()));
    let nested = LISTENER.with(|listener| {
        let mut listener = listener.borrow_mut();
        match listener.as_mut()?.first.take() {
            None => {
                listener.as_mut()?.first = Some(said.clone());
                None
            }
            Some(first) => Some((first, listener.take()?.last_words)),
        }
    });
    if let Some((first, last_words)) = nested {
        last_words(format!("{first}; and while that unwound: {said}"));
        loop {
            std::thread::park();
        }
    }
}

/// Panics when it is dropped.
#[cfg(test)]
pub(crate) struct Bomb;

#[cfg(test)]
impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the drop goes wrong");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: impl FnOnce() + Send + 'static) -> String {
        contain(body).expect_err("a panic")
    }

    #[test]
    fn what_does_not_panic_gives_its_value() {
        assert_eq!(contain(|| 7), Ok(7));
    }

    #[test]
    fn a_panic_says_what_and_where() {
        let said = said(|| panic!("the body goes wrong"));
        assert!(said.starts_with("the body goes wrong at ") && said.contains("panics.rs:"), "{said}");
    }

    #[test]
    fn a_panic_in_a_drop_is_a_panic() {
        let said = said(|| drop(Bomb));
        assert!(said.starts_with("the drop goes wrong at "), "{said}");
    }

    #[test]
    fn a_panic_that_was_caught_does_not_count_for_the_next() {
        let said = said(|| {
            assert!(catch(|| panic!("caught")).is_err());
            panic!("the body goes wrong");
        });
        assert!(said.starts_with("the body goes wrong at ") && !said.contains("caught"), "{said}");
    }
}
