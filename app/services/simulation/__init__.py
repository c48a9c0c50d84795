"""What if: other rules, lines or staffing over a county's real households and calendar. Decides and changes nothing."""
