"""Who gains and who loses what when one bundle takes the place of another."""
