module gatehouse.example/services/user-events

go 1.26.0
