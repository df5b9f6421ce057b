//! The lock table, rule by rule, and against a naive model.
