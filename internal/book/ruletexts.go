package book

// Words says in English what a rule of salesbook's own asks for; empty for a
// rule of the book's.
func (r Rule) Words() string { return ruleWords()[r] }

func ruleWords() map[Rule]string {
	return map[Rule]string{
		NoOwner:           "Everything has an owner.",
		OwnerLeft:         "The owner is still with the company.",
		NoNextStep:        "A next step is planned.",
		NextStepOverdue:   "The next step is not overdue.",
		CloseDatePast:     "The expected close date is not past.",
		NoTouch:           "The client is called, met or written to often enough.",
		OverLimit:         "A deal does not stand in a stage for longer than it may.",
		SkippedStage:      "No stage is skipped.",
		MovedBack:         "Deals do not go back.",
		EntryCriteria:     "What a stage asks for on entry is there.",
		ExitCriteria:      "The result of a stage exists before a deal moves on.",
		TaskNotDone:       "The tasks of a stage are done before a deal moves on.",
		RequiredFields:    "The fields that a stage requires are filled.",
		WrongRole:         "A deal is with somebody of the role that its stage belongs to.",
		LossWithoutReason: "A loss has a reason.",
		LossReasonUnknown: "The reason is one of the book's.",
		LossReasonRefused: "The reason is none of those that the book refuses.",
		LossTooEarly:      "The reason is used from the stage on that the book says.",
		LossCriteria:      "The criteria of the reason are met.",
		LossFacts:         "The facts that belong to the reason are recorded.",
		LossApproval:      "The head has agreed to the loss.",
		WonCriteria:       "What a won deal needs is there.",
		WonTooEarly:       "A deal is won from the stage on that the book says.",
		WonWithoutAmount:  "A won deal has an amount.",
		DeletedOpen:       "An open deal is lost with a reason, not deleted.",
		ArchivedOpen:      "An open deal is not archived.",
		FirstResponse:     "An inquiry is answered in time.",
		EntryData:         "What is asked of everybody is recorded.",
		Qualification:     "What qualifies a client of the segment is known.",
		PrimaryDemand:     "What the client first asked for is recorded.",
		ReasonForContact:  "Why the client came is recorded.",
		Nuances:           "What else is known of the client is recorded.",
	}
}
