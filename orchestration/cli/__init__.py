"""The `kpi` command. Heavy imports happen inside the commands: `kpi --help` answers in 0.7 s."""
