"""From records to numbers and sentences: metrics, significance, verdict, tables, figures."""
