//! Models of the latch. `models` holds on the sound platform; `planted` shows that it would not hold on one with an
//! error, so that a green run means something.

mod models;
mod planted;
