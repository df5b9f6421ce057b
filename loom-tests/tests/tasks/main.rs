//! Models of commits that share flights and of waits for locks. `holds` is on the sound platform; `planted` shows that
//! they would not hold with an error in the platform or in the protocol, so that a green run means something.

mod holds;
mod planted;
