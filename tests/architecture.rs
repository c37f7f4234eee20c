//! Holds the layers: imports go down only.
