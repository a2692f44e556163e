"""One file per view of `seqapp inspect`; the file name is the view's name. `_` begins what the views lean on."""
