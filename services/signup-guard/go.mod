module gatehouse.example/services/signup-guard

go 1.26.0
