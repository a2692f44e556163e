"""One time step of each recurrent layer, as a pure function."""
